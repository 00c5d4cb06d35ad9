import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The path of one of the test certificates; `tls/README.md` says what each is. */
export const certificatePath = (name: 'ca.pem' | 'server.key' | 'server.pem' | 'expired.pem' | 'other-name.pem'): string =>
  fileURLToPath(new URL(`tls/${name}`, import.meta.url))

/** The authority that vouches for the test servers. */
export const TEST_CA = readFileSync(certificatePath('ca.pem'), 'utf8')
