import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nginxModule } from '../../test/support/nginx-module.js'
import { freePort, listens, spawn, tool } from '../../test/support/tools.js'
import { until } from '../../test/support/waiting.js'
import type { Bench } from '../row.js'
import { withScene } from '../scene.js'
import { spread } from '../spread.js'

const withNginx = async <T>(backend: string, use: (port: number) => Promise<T>): Promise<T> => {
  const module = nginxModule('rtmp')
  const program = tool('nginx')
  const dir = await mkdtemp(join(tmpdir(), 'nms-http-auth-bench-'))
  const port = await freePort()
  await writeFile(join(dir, 'nginx.conf'), `
load_module ${module};
daemon off;
master_process off;
error_log stderr error;
pid ${dir}/nginx.pid;
events { worker_connections 1024; }
rtmp { access_log off; server { listen 127.0.0.1:${port}; chunk_size 4096; application live { live on; on_play ${backend}; } } }
`)
  const nginx = spawn(program, ['-p', dir, '-c', join(dir, 'nginx.conf')])
  try {
    let ended = false
    void nginx.exited.then(() => { ended = true })
    await until(async () => ended || await listens(port), () => `nginx listens; it said ${nginx.stderr()}`)
    if (ended) throw new Error(`nginx does not start: ${nginx.stderr()}`)
    return await use(port)
  } finally {
    await nginx.close()
    await rm(dir, { recursive: true, force: true })
  }
}

export const peers: Bench = {
  name: 'peers',
  about: "join on RTMP, over nginx's rtmp module with on_play, same backend and client",
  run: ({ rounds, tiny }) => withScene(({ backend, backendPort, load, url, server }) => withNginx(`${url}/`, async (nginx) => {
    const plugin = await server({ plugin: { url, maxHeldPerIp: 0 } })
    for (const port of [plugin.rtmp, nginx]) await load.call('publish', { port, everyMs: 5 })
    await backend.call('behave', { delayMs: 10 })
    const taken: Record<string, number>[] = []
    for (let round = 0; round < rounds; round++) {
      taken.push(await load.call('joins', { kind: 'rtmp', ports: { plugin: plugin.rtmp, nginx }, backend: backendPort, count: tiny ? 1 : 15 }))
    }
    return [{
      bench: 'peers', variant: 'rtmp, backend 10 ms', figure: spread(taken.map((round) => round['plugin']! / round['nginx']!)), unit: '×', goal: { atMost: 0.3 },
      absolute: [
        { name: 'plugin', value: spread(taken.map((round) => round['plugin']!)), unit: 'ms' }, { name: 'nginx', value: spread(taken.map((round) => round['nginx']!)), unit: 'ms' }
      ],
      options: { maxConnections: 256, 'frames/s': 200 }
    }]
  }))
}
