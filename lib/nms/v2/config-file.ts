/** The file each config was read from; version 2 itself does not know it. */
const files = new WeakMap<object, string>()

export const noteConfigFile = (config: object, file: string): void => { files.set(config, file) }
export const configFileOf = (config: object): string | undefined => files.get(config)
