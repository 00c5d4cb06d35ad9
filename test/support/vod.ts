import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { run, tool } from './tools.js'

/** Frames in each. */
export const VOD_FRAMES = 100
/** The key of the encrypted one. */
export const VOD_KEY = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex')

const SOURCE = [
  '-hide_banner', '-nostdin', '-y', '-loglevel', 'error',
  '-f', 'lavfi', '-i', `testsrc2=size=160x90:rate=25:duration=${VOD_FRAMES / 25}`, '-f', 'lavfi', '-i', `sine=frequency=440:duration=${VOD_FRAMES / 25}`
]
const CODECS = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '25', '-c:a', 'aac']
const HLS = ['-f', 'hls', '-hls_time', '1', '-hls_playlist_type', 'vod']

const write = async (outputs: readonly string[]): Promise<void> => {
  const { code, stderr } = await run(tool('ffmpeg'), [...SOURCE, ...outputs])
  if (code !== 0) throw new Error(`ffmpeg wrote no files: ${stderr}`)
}

/**
 * Writes HLS of four seconds into directories below a folder: `fmp4`, `encrypted` (AES-128, the key in a
 * directory of its own) and `master` (two renditions and their sound in directories of their own).
 */
export const writeHlsVariants = async (root: string): Promise<void> => {
  const at = (name: string): string => join(root, name)
  for (const name of ['fmp4', 'encrypted', 'master']) await mkdir(at(name), { recursive: true })
  await mkdir(at('encrypted/keys'))
  await writeFile(at('encrypted/keys/stream.key'), VOD_KEY)
  // It says where on this machine the key is, and is no business of those who are served.
  const keyInfo = join(root, '..', 'key-info')
  await writeFile(keyInfo, `keys/stream.key\n${at('encrypted/keys/stream.key')}\n`)
  await write([
    ...CODECS, ...HLS, '-hls_segment_type', 'fmp4', at('fmp4/index.m3u8'),
    ...CODECS, ...HLS, '-hls_key_info_file', keyInfo, at('encrypted/index.m3u8'),
    '-map', '0:v', '-map', '0:v', '-map', '1:a', ...CODECS, '-b:v:0', '100k', '-b:v:1', '200k', ...HLS,
    '-master_pl_name', 'index.m3u8', '-var_stream_map', 'v:0,agroup:sound,name:low v:1,agroup:sound,name:high a:0,agroup:sound,name:sound,default:yes',
    at('master/%v/index.m3u8')
  ])
}

/** Writes an mp4 whose index is at its end, behind 4 MB of picture: it can only be played in ranges, or from its last byte. */
export const writeMp4 = async (file: string): Promise<void> => {
  await mkdir(dirname(file), { recursive: true })
  await write([...CODECS, '-b:v', '8M', '-minrate', '8M', '-maxrate', '8M', '-bufsize', '1M', '-x264-params', 'nal-hrd=cbr', file])
}

/** Publishes the four seconds over RTMP, as fast as it goes. */
export const publishVod = (url: string): Promise<void> => write([...CODECS, '-f', 'flv', url])
