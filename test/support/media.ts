import { encodeAmfs } from './amf.js'
import { createH264 } from './h264.js'

/** A piece of a stream as RTMP and FLV have it: the payload of an audio (8), video (9) or data (18) message. */
export interface MediaMessage { readonly type: number, readonly timestamp: number, readonly payload: Buffer }

/** A synthetic stream of H.264 and AAC that real players decode. */
export interface SyntheticStream {
  readonly metadata: MediaMessage
  readonly videoHeader: MediaMessage
  readonly audioHeader: MediaMessage
  /** What a publisher sends first: metadata and both headers. */
  readonly opening: readonly MediaMessage[]
  /** The video frame of this number and the audio that goes with it. */
  frame(index: number): MediaMessage[]
}

export interface StreamOptions {
  /** Frames from one keyframe to the next. Default 25. */
  readonly gop?: number
  /** Default 25. */
  readonly fps?: number
  /** Width and height in macroblocks of 16 pixels. Default 2: a keyframe of 1.6 KB. */
  readonly blocks?: number
  /** Each video frame is filled up to this many bytes. Default 0. */
  readonly frameBytes?: number
  /** Brightness of the keyframes, 1 to 255, by which a stream can be known. Default 80. */
  readonly luma?: number
  readonly audio?: boolean
}

const sized = (unit: Buffer): Buffer => {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(unit.length)
  return Buffer.concat([length, unit])
}

/** AAC-LC, 44100 Hz, mono (ISO 14496-3, 1.6.2.1). */
const AUDIO_CONFIG = Buffer.from([0x12, 0x08])
/** One frame of silence: a single channel element without spectral data, and the end. */
const SILENCE = Buffer.from([0, 0, 0, 7])

export const createStream = ({ gop = 25, fps = 25, blocks = 2, frameBytes = 0, luma = 80, audio = true }: StreamOptions = {}): SyntheticStream => {
  const h264 = createH264(blocks)
  const { sps, pps } = h264
  const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff])
  const config = Buffer.concat([
    Buffer.from([1]), sps.subarray(1, 4), Buffer.from([0xff, 0xe1]), u16(sps.length), sps, Buffer.from([1]), u16(pps.length), pps
  ])
  const metadata = {
    type: 18, timestamp: 0, payload: encodeAmfs('onMetaData', {
      width: blocks * 16, height: blocks * 16, framerate: fps, videocodecid: 7, ...(audio ? { audiocodecid: 10, audiosamplerate: 44100, stereo: false } : {})
    })
  }
  const videoHeader = { type: 9, timestamp: 0, payload: Buffer.concat([Buffer.from([0x17, 0, 0, 0, 0]), config]) }
  const audioHeader = { type: 8, timestamp: 0, payload: Buffer.concat([Buffer.from([0xaf, 0]), AUDIO_CONFIG]) }
  const silence = Buffer.concat([Buffer.from([0xaf, 1]), SILENCE])
  return {
    metadata, videoHeader, audioHeader,
    opening: [metadata, ...(audio ? [audioHeader] : []), videoHeader],
    frame(index) {
      const since = index % gop
      const timestamp = Math.round(index * 1000 / fps)
      const unit = since === 0 ? h264.keyframe(index / gop, luma) : h264.interframe(since)
      const fill = frameBytes - unit.length
      const units = fill > 0 ? [sized(unit), sized(h264.filler(fill))] : [sized(unit)]
      const payload = Buffer.concat([Buffer.from([since === 0 ? 0x17 : 0x27, 1, 0, 0, 0]), ...units])
      return [...(audio ? [{ type: 8, timestamp, payload: silence }] : []), { type: 9, timestamp, payload }]
    }
  }
}

/** Where a stream can be sent: an RTMP publisher, or one that posts FLV. */
export interface MediaSink { sendMedia(message: MediaMessage): void }

/** Sends a stream's opening and, from then on, its frames. */
export interface Publishing {
  readonly stream: SyntheticStream
  /** Frames sent until now. */
  frames(): number
  close(): void
}

/**
 * Publishes until it is closed.
 * @param everyMs pause between two frames, in milliseconds; their timestamps are the stream's own
 */
export const keepPublishing = (sink: MediaSink, { everyMs = 20, ...options }: StreamOptions & { everyMs?: number } = {}): Publishing => {
  const stream = createStream({ gop: 5, ...options })
  let index = 0
  const send = (): void => { for (const message of stream.frame(index++)) sink.sendMedia(message) }
  for (const message of stream.opening) sink.sendMedia(message)
  send()
  const timer = setInterval(send, everyMs)
  return { stream, frames: () => index, close: () => clearInterval(timer) }
}
