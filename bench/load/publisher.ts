import { createStream } from '../../test/support/media.js'
import { RtmpClient } from '../../test/support/rtmp-client.js'
import { MARKER } from './marker.js'

/** A video frame that begins with the marker. */
const frame = (index: number, key: boolean, bytes: number): { type: number, timestamp: number, payload: Buffer } => ({
  type: 9, timestamp: index * 5,
  payload: Buffer.concat([Buffer.from([key ? 0x17 : 0x27, 1, 0, 0, 0]), MARKER, Buffer.alloc(Math.max(0, bytes - MARKER.length - 5), 0x55)])
})

/** Publishes `/live/s`. */
export class Publisher {
  private index = 0
  private timer: NodeJS.Timeout | undefined
  private constructor(private readonly client: RtmpClient) {}

  static async open(port: number): Promise<Publisher> {
    const client = await RtmpClient.publisher({ port, app: 'live' }, 's?token=123')
    const publisher = new Publisher(client)
    for (const message of createStream({ audio: false }).opening) client.sendMedia(message)
    return publisher
  }

  /** A group of pictures of about 30 KB, which every player gets first. */
  group(): void {
    for (let i = 0; i < 11; i++) this.client.sendMedia(frame(this.index++, i === 0, i === 0 ? 10_000 : 2000))
  }

  /** Keyframes of 1 KB from now on. */
  keep(everyMs: number): void {
    this.timer = setInterval(() => this.client.sendMedia(frame(this.index++, true, 1000)), everyMs)
  }

  /** So many frames of so many bytes, as fast as the server takes them. Resolves when they are handed over. */
  async flood(frames: number, bytes: number): Promise<void> {
    const { socket } = this.client.wire
    const batch = Buffer.concat(Array.from({ length: 10 }, (_, i) => this.client.mediaBytes(frame(this.index + i, i === 0, bytes))))
    for (let sent = 0; sent < frames; sent += 10) {
      if (!socket.write(batch)) await new Promise((resolve) => socket.once('drain', resolve))
    }
  }

  /** Resolves when the server has taken everything in: a command behind it has been answered. */
  async taken(): Promise<void> {
    await this.client.createStream()
  }

  close(): Promise<void> {
    clearInterval(this.timer)
    return this.client.close()
  }
}
