import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** Writes files below a folder; a number stands for that many bytes. */
export const writeFiles = async (root: string, files: Readonly<Record<string, string | number | Buffer>>): Promise<void> => {
  for (const [name, content] of Object.entries(files)) {
    const path = join(root, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, typeof content === 'number' ? Buffer.alloc(content, 0x47) : content)
  }
}

/** A stream with a master playlist, renditions in directories of their own, and their segments. */
export const hlsStream = (name: string, { renditions = ['720p', 'audio'], segments = 100, bytes = 512 } = {}): Record<string, string | number> => ({
  [`${name}/index.m3u8`]: ['#EXTM3U', ...renditions.flatMap((rendition, index) => [`#EXT-X-STREAM-INF:BANDWIDTH=${1000 + index}`, `${rendition}/index.m3u8`]), ''].join('\n'),
  ...Object.fromEntries(renditions.flatMap((rendition): [string, string | number][] => [
    [`${name}/${rendition}/index.m3u8`, ['#EXTM3U', '#EXT-X-TARGETDURATION:8', ...Array.from({ length: segments }, (_, index): string => `#EXTINF:8,\n${index}.ts`), ''].join('\n')],
    ...Array.from({ length: segments }, (_, index): [string, number] => [`${name}/${rendition}/${index}.ts`, bytes])
  ]))
})

/** The URIs that a player would fetch next, relative to the playlist's target. */
export const urisOf = (playlist: string, target: string): string[] =>
  playlist.split('\n').filter((line) => line !== '' && !line.startsWith('#')).map((uri) => {
    const url = new URL(uri, `http://x${target}`)
    return url.pathname + url.search
  })
