/** `npm run fuzz -- NAME [operations] [seed]`: runs the fuzzer scripts/fuzz/NAME. */
import { readdirSync } from 'node:fs'
import { StartFailure } from '../subgraphs/kit/process/start-failure.ts'
import { runCommand } from './command.ts'

const folder = new URL('fuzz/', import.meta.url)
const names = readdirSync(folder).flatMap((file) => /^([\w-]+)\.[jt]s$/.exec(file)?.[1] ?? [])

const usage = `
Usage: npm run fuzz -- NAME [operations] [seed]

Names: ${names.join(', ')}

The same seed gives the same run. Exit code: 0 if nothing was found, 1 otherwise.
`

runCommand('fuzz', async () => {
  const [name, ...counts] = process.argv.slice(2)
  if (name === undefined || [name, ...counts].some((word) => word === '--help' || word === '-h')) {
    return void console.log(usage.trim())
  }
  if (!names.includes(name)) {
    throw new StartFailure(`${JSON.stringify(name)} is not known: give one of ${names.join(', ')}`)
  }
  // The fuzzer reads its own arguments: the name is removed.
  process.argv.splice(2, 1)
  await import(
    new URL(`fuzz/${name}${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url).href
  )
  return process.exitCode === undefined ? 0 : Number(process.exitCode)
})
