const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/**
 * Compiles `files.stream`: maps the path of a file, and the part of it below the mount, to a stream path. `{app}` matches
 * one or more directories, `{stream}` exactly one, other text itself. The directory of a file outside the pattern maps to
 * itself, mount included, so that it cannot be confused with a stream of the pattern.
 */
export const compileStreamPattern = (pattern: string): (file: string, path: string) => string => {
  const source = pattern.split('/').filter((segment) => segment !== '').map((segment) =>
    segment === '{app}' ? '(?<app>[^/]+(?:/[^/]+)*)' : segment === '{stream}' ? '(?<stream>[^/]+)' : escape(segment))
  const matcher = new RegExp(`^${source.join('/')}$`)
  return (file, path) => {
    const { app, stream } = matcher.exec(directoryOf(file).slice(0, -1))?.groups ?? {}
    return app === undefined || stream === undefined ? directoryOf(path).slice(0, -1) || '/' : `/${app}/${stream}`
  }
}

/** The path up to and including its last `/`; empty if there is none. */
export const directoryOf = (path: string): string => path.slice(0, path.lastIndexOf('/') + 1)
