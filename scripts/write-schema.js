// Writes the JSON schemas of the section and of the whole config file beside the compiled module, for editors.
import { writeFileSync } from 'node:fs'
import { configSchema, sectionSchema } from '../dist/options/public-schema.js'

for (const [name, schema] of [['schema', sectionSchema()], ['config.schema', configSchema()]]) {
  writeFileSync(new URL(`../dist/options/${name}.json`, import.meta.url), `${JSON.stringify(schema, null, 2)}\n`)
}
