/** The files that configs came from; version 2 itself knows of none. */
const files = new WeakMap<object, string>()

export const noteConfigFile = (config: object, file: string): void => { files.set(config, file) }
export const configFileOf = (config: object): string | undefined => files.get(config)
