import { safely } from '../safely.js'

/** How often the launcher is looked for, in milliseconds: Node is not notified when its parent ends. */
const LOOK_MS = 500

/**
 * Ends this process, as SIGTERM would, once the shell in which `npx` started it is gone. npm signals only that shell, which
 * ends without passing the signal on, and the server would keep running unnoticed. A process that was started in any other
 * way may outlive its parent; then this does nothing.
 */
export const endWithLauncher = (): void => {
  if (process.env['npm_command'] !== 'exec') return
  const launcher = process.ppid
  setInterval(safely(undefined, () => { if (process.ppid !== launcher) process.kill(process.pid, 'SIGTERM') }), LOOK_MS).unref()
}
