import { closestMatch } from 'leven'
import { parseArgs, type ParseArgsConfig } from 'node:util'
import { Misuse } from '../errors.js'

type Options = NonNullable<ParseArgsConfig['options']>

/** An unknown flag, and the known one that was probably meant. */
export interface UnknownFlag { readonly flag: string, readonly near: string | undefined }

/** The first flag that is not one of these options. */
export const unknownFlag = (args: string[], options: Options): UnknownFlag | undefined => {
  const known = Object.keys(options).map((name) => `--${name}`)
  const { tokens } = parseArgs({ args, options, strict: false, tokens: true, allowPositionals: true })
  for (const token of tokens) {
    if (token.kind !== 'option' || Object.hasOwn(options, token.name)) continue
    const flag = token.rawName
    return { flag, near: closestMatch(flag.slice(0, 60), known, { maxDistance: 3 }) }
  }
  return undefined
}

export const inWords = ({ flag, near }: UnknownFlag): string =>
  `unknown option ${flag}${near === undefined ? '' : `, did you mean ${near}?`}`

/**
 * Reads the arguments of a command.
 * @throws Misuse that names the first wrong one, and what was probably meant
 */
export const readArguments = <T extends ParseArgsConfig & { args: string[], options: Options }>(config: T): ReturnType<typeof parseArgs<T>> => {
  const unknown = unknownFlag(config.args, config.options)
  if (unknown !== undefined) throw new Misuse(inWords(unknown))
  try {
    return parseArgs(config)
  } catch (error) {
    throw new Misuse(error instanceof Error ? error.message : String(error))
  }
}
