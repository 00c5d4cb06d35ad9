import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { openEntrance } from './entrance.js'

/** `temp_file`: a playlist or segment appears at once and whole, so that no viewer gets half of one. */
const HLS = ['-c', 'copy', '-f', 'hls', '-hls_time', '2', '-hls_list_size', '6', '-hls_flags', 'delete_segments+temp_file']

/**
 * Has ffmpeg write each stream that is started as HLS: `/live/s` becomes `live/s/index.m3u8` below the root.
 *
 * @param options.server host and port of the RTMP server it is pulled from
 */
export const createPackager = ({ root, server }) => {
  // By stream path: whether it is to go on, how to end it, and the promise of its end.
  const jobs = new Map()

  const run = async (job, streamPath, previous) => {
    // One that was stopped just now writes into the same folder until it has ended.
    await previous?.ended
    const entrance = await openEntrance(server)
    try {
      if (job.stopped) return
      const folder = join(root, streamPath)
      rmSync(folder, { recursive: true, force: true })
      mkdirSync(folder, { recursive: true })
      const ffmpeg = spawn('ffmpeg', [
        '-hide_banner', '-nostdin', '-loglevel', 'error', '-i', `rtmp://127.0.0.1:${entrance.port}${streamPath}`,
        ...HLS, join(folder, 'index.m3u8')
      ], { stdio: ['ignore', 'ignore', 'pipe'] })
      // That it misses the rest of the stream is no news when it was stopped.
      ffmpeg.stderr.on('data', (text) => { if (!job.stopped) process.stderr.write(text) })
      // It says that the playlist has an end before it goes, and waits for nothing more from a server that sends nothing.
      job.end = () => {
        ffmpeg.kill('SIGTERM')
        entrance.close()
      }
      job.kill = () => ffmpeg.kill('SIGKILL')
      await once(ffmpeg, 'close')
      if (!job.stopped) console.error(`hls: ffmpeg has ended, and ${streamPath} is written as HLS no more until it is published again`)
    } catch (error) {
      console.error(`hls: ${streamPath} is not written as HLS: ${error.code === 'ENOENT' ? 'ffmpeg is not in PATH' : error.message}`)
    } finally {
      entrance.close()
    }
  }
  const stop = (streamPath) => {
    const job = jobs.get(streamPath)
    if (job === undefined || job.stopped) return
    job.stopped = true
    job.end?.()
  }

  return {
    start(streamPath) {
      const previous = jobs.get(streamPath)
      if (previous?.stopped === false) return
      const job = { stopped: false }
      job.ended = run(job, streamPath, previous).finally(() => {
        if (jobs.get(streamPath) === job) jobs.delete(streamPath)
      })
      jobs.set(streamPath, job)
    },
    stop,
    /** Stops all, and waits until they have ended. */
    async close() {
      for (const streamPath of jobs.keys()) stop(streamPath)
      await Promise.all([...jobs.values()].map(({ ended }) => ended))
    },
    /** Ends all at once, for a process that exits. */
    kill() {
      for (const { kill } of jobs.values()) kill?.()
    }
  }
}
