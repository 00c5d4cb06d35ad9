import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { MOUNT } from './hosts.js'
import type { TestServer } from './server.js'

const PAGE = `<!doctype html>
<title>DASH</title>
<video muted playsinline width="320" height="240"></video>
<output></output>
<script src="dash.all.min.js"></script>
<script>
  const player = dashjs.MediaPlayer().create()
  player.on(dashjs.MediaPlayer.events.ERROR, ({ error }) => { document.querySelector('output').textContent = (error.data?.response?.status ?? '') + ' ' + error.message })
  player.initialize(document.querySelector('video'), location.hash.slice(1), true)
</script>
`

/** A page with dash.js that plays a manifest. */
export interface DashPage {
  readonly page: Page
  /** What was fetched of the stream, with how it was answered. */
  readonly fetched: { readonly url: URL, readonly status: number }[]
  /** What it says about errors. */
  says(): Promise<string>
  close(): Promise<void>
}

/** Opens a page of the server itself, in a browser's context of its own. */
export const openDashPage = async (browser: Browser, { dir, ports }: TestServer, root: string, manifest: string): Promise<DashPage> => {
  const folder = join(dir, root)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'dash.html'), PAGE)
  await copyFile(createRequire(import.meta.url).resolve('dashjs'), join(folder, 'dash.all.min.js'))
  const page = await (await browser.newContext()).newPage()
  const fetched: DashPage['fetched'] = []
  page.on('response', (response) => {
    const url = new URL(response.url())
    if (url.pathname.includes('/live/')) fetched.push({ url, status: response.status() })
  })
  await page.goto(`http://127.0.0.1:${ports.http}${MOUNT}/dash.html#${manifest}`)
  return { page, fetched, says: async () => await page.locator('output').textContent() ?? '', close: () => page.context().close() }
}
