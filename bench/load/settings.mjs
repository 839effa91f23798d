// What burst.mjs and callers.mjs share: their arguments, and when they give up.
import { parseArgs } from 'util'
import * as contestants from './contestants.mjs'

const GIVE_UP_MS = 300000

export const number = (short, value) =>
  ({ type: 'string', short, default: value })

// The contestant that the first argument names, as contestants.mjs has it, and
// the settings: numbers where an option is one.
export function readArguments(options) {
  const { values, positionals: [name] } =
    parseArgs({ allowPositionals: true, options })
  const settings = Object.fromEntries(Object.entries(values).map(
    ([key, value]) => [key, typeof value === 'string' ? +value : value]))

  setTimeout(() => {
    console.error(`bench: ${name}: not all requests have ended`)
    process.exit(1)
  }, GIVE_UP_MS)
  return { contestant: contestants[name], settings }
}
