/** A live manifest as ffmpeg writes it, with a directory for each of its tracks. */
export const dashManifest = ({ type = 'dynamic', segments = 20, segmentS = 2 } = {}): string => `<?xml version="1.0" encoding="utf-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" type="${type}" minimumUpdatePeriod="PT500S" maxSegmentDuration="PT${segmentS}S">
\t<Period id="0" start="PT0.0S">
\t\t<AdaptationSet contentType="video" segmentAlignment="true">
\t\t\t<SegmentTemplate timescale="1" initialization="$RepresentationID$/init.mp4" media="$RepresentationID$/$Number%03d$.m4s" startNumber="1">
\t\t\t\t<SegmentTimeline><S t="0" d="${segmentS}" r="${segments - 1}"/></SegmentTimeline>
\t\t\t</SegmentTemplate>
\t\t\t<Representation id="720p" bandwidth="500000"/>
\t\t\t<Representation id="audio" bandwidth="64000"><BaseURL>../sound/</BaseURL></Representation>
\t\t</AdaptationSet>
\t</Period>
</MPD>
`

/** A stream with a manifest, and the segments that it leads to, each of so many bytes. */
export const dashStream = (name: string, { segments = 20, bytes = 512, ...more }: { type?: string, segments?: number, segmentS?: number, bytes?: number } = {}): Record<string, string | number> => ({
  [`${name}/index.mpd`]: dashManifest({ segments, ...more }),
  ...Object.fromEntries([`${name}/720p`, `${name}/../sound/audio`].flatMap((track) => [
    [`${track}/init.mp4`, bytes], ...Array.from({ length: segments }, (_, index): [string, number] => [`${track}/${String(index + 1).padStart(3, '0')}.m4s`, bytes])
  ]))
})

const attribute = (manifest: string, name: string): string => new RegExp(`${name}="([^"]*)"`).exec(manifest)?.[1]?.replace(/&amp;/g, '&').replace(/&apos;/g, '\'') ?? ''

/** What a player would fetch of such a stream, by the manifest that it was given at a target. */
export const targetsOf = (manifest: string, target: string, segments = 20): string[] =>
  [['720p', './'], ['audio', '../sound/']].flatMap(([id = '', base = '']) =>
    [attribute(manifest, 'initialization'), ...Array.from({ length: segments }, (_, index) => attribute(manifest, 'media').replace('$Number%03d$', String(index + 1).padStart(3, '0')))].map((uri) => {
      const url = new URL(uri.replace('$RepresentationID$', id), new URL(base, `http://x${target}`))
      return url.pathname + url.search
    }))
