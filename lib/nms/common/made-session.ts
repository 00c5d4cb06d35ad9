/**
 * Returns the session that NMS's connection handler makes: the handler returns nothing, but adds the session to its
 * list, last.
 *
 * @returns `undefined` if it adds none
 */
export const madeBy = <Session>(sessions: Map<string, Session>, make: () => void): Session | undefined => {
  const { set } = sessions
  let made: Session | undefined
  sessions.set = (id, session) => {
    made = session
    return set.call(sessions, id, session)
  }
  try {
    make()
  } finally {
    sessions.set = set
  }
  return made
}
