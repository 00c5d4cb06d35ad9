import { safely } from '../safely.js'

/** How often the launcher is looked for, in milliseconds; Node is not told when a parent ends. */
const LOOK_MS = 500

/**
 * Ends this process, as SIGTERM would, once the shell that `npx` started it in is gone. npm hands a
 * signal to that shell alone, which ends without passing it on, and the server would go on unseen.
 * Started in any other way, a process may outlive its parent, and nothing is done.
 */
export const endWithLauncher = (): void => {
  if (process.env['npm_command'] !== 'exec') return
  const launcher = process.ppid
  setInterval(safely(undefined, () => { if (process.ppid !== launcher) process.kill(process.pid, 'SIGTERM') }), LOOK_MS).unref()
}
