import { randomBytes } from 'node:crypto'

/** Unguessable, and different from clients' ids in the backend's log. */
export const newSessionId = (): string => `check${randomBytes(12).toString('hex')}`
