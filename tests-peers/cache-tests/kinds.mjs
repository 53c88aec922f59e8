// Prints, one JSON object a line, every test of the suite in the working folder: `id`, `kind`, `needs`.
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const load = async name => (await import(pathToFileURL(path.resolve('tests', name)))).default
const suites = [...await load('index.mjs'), await load('surrogate-control.mjs')]
for (const test of suites.flatMap(suite => suite.tests)) {
  if (test.browser_only === true) continue
  console.log(JSON.stringify({ id: test.id, kind: test.kind ?? 'required', needs: test.depends_on ?? [] }))
}
