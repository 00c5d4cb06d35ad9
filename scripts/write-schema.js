// Writes the JSON schema of the options beside the compiled module, for editors.
import { writeFileSync } from 'node:fs'
import { SCHEMA } from '../dist/options/schema.js'

writeFileSync(new URL('../dist/options/schema.json', import.meta.url), `${JSON.stringify(SCHEMA, null, 2)}\n`)
