import { closestMatch } from 'leven'

/**
 * Tells the operator of a config without the section `httpAuth` what it has instead, and how to
 * write one: a misspelled section must not be taken for one that is missing on purpose.
 */
export const howToWriteSection = (keys: readonly string[]): string => {
  const near = closestMatch('httpauth', keys.map((key) => key.toLowerCase().replace(/[^a-z]/g, '').slice(0, 40)), { maxDistance: 3 })
  const meant = keys.find((key) => key.toLowerCase().replace(/[^a-z]/g, '').slice(0, 40) === near)
  return `its sections are: ${keys.join(', ') || 'none'}.\n` +
    (meant === undefined
      ? 'Add "httpAuth": { "url": "http://127.0.0.1:6000" } to guard it, or "httpAuth": false to leave it open on purpose.'
      : `Is ${JSON.stringify(meant)} meant to be "httpAuth"? Write "httpAuth": false to leave it open on purpose.`)
}
