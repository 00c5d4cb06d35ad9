import type { Settings } from '../access/settings.js'
import { allow, deny, type Verdict } from '../access/verdict.js'
import { createChain } from '../assembly/chain.js'
import { createDoor } from '../gate/door/door.js'
import { createRegistry } from '../sessions/registry.js'
import type { AskedByUrl } from './asked-url.js'
import { recordQuestions, type Question } from './questions.js'

const nothing = (): void => undefined
/** Nobody listens. */
const SILENT = { onBegin: nothing, onEnd: nothing, onOpen: nothing, onClose: nothing, onUnavailable: nothing }

/** The warnings that the probe's answers would give at the start. */
export const probe = async (settings: Settings): Promise<readonly string[]> => {
  const chain = createChain(settings, SILENT)
  try {
    return await chain.probe()
  } finally {
    await chain.close()
  }
}

/** The outcome; `reason`: why the backend is unavailable. */
export interface Decided { readonly verdict: Verdict, readonly questions: readonly Question[], readonly reason: string | undefined }

/** Runs the whole chain behind the gates once; what a gate decides by itself skips it. */
export const decide = async (settings: Settings, asked: AskedByUrl): Promise<Decided> => {
  if ('malformed' in asked) return { verdict: deny('malformed', asked.malformed), questions: [], reason: undefined }
  if ('open' in asked) return { verdict: allow('rule', asked.open), questions: [], reason: undefined }
  let reason: string | undefined
  let verdict = deny('overload', 'nobody has decided')
  const chain = createChain(settings, { ...SILENT, onUnavailable: (_request, _verdict, error) => { reason = error.message } })
  const door = createDoor({
    authorize: chain.authorize, hold: () => nothing, bar: () => undefined, reserve: createRegistry().reserve, report: (_request, decided) => { verdict = decided }, onBug: (error) => { console.error('nms-http-auth check: internal error:', error) }
  })
  const record = recordQuestions()
  await door.admit({ asked: asked.asked }, new AbortController().signal)
  record.stop()
  await chain.close()
  return { verdict, questions: record.questions(), reason }
}
