import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A static root with two HLS streams, removed afterwards. */
export const withFiles = async <T>(use: (root: string) => Promise<T>): Promise<T> => {
  const root = await mkdtemp(join(tmpdir(), 'nms-http-auth-bench-'))
  try {
    for (const name of ['s', 't']) {
      const stream = join(root, 'live', name)
      await mkdir(stream, { recursive: true })
      await writeFile(join(stream, 'small.ts'), Buffer.alloc(2048, 0x47))
      await writeFile(join(stream, 'large.ts'), Buffer.alloc(1 << 20, 0x47))
      const segments = Array.from({ length: 6 }, (_, i) => `#EXTINF:6.000,\nsegment${1000 + i}.ts\n`).join('')
      await writeFile(join(stream, 'index.m3u8'), `#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:6\n#EXT-X-MEDIA-SEQUENCE:1000\n${segments}`)
    }
    return await use(root)
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}
