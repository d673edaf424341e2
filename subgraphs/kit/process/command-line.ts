/** Reads the command line of every command: prints `--help`, refuses unknown options in one line. */
import { parseArgs } from 'node:util'
import type { ParseArgsConfig } from 'node:util'
import { StartFailure } from './start-failure.ts'

type OptionsConfig = NonNullable<ParseArgsConfig['options']>

export interface CommandLine<Options extends OptionsConfig> {
  /** Printed for `--help`: what the command does, and its options. */
  usage: string
  options: Options
  /** Whether words without a leading dash are accepted. */
  positionals?: boolean
}

/**
 * Returns the given options and words. `--help` (or `-h`) prints the usage and ends the process with
 * exit code 0; an unknown option or a missing value is a StartFailure.
 */
export function readCommandLine<const Options extends OptionsConfig>(
  { usage, options, positionals = false }: CommandLine<Options>,
  words: readonly string[] = process.argv.slice(2),
) {
  if (words.includes('--help') || words.includes('-h')) {
    console.log(usage.trim())
    process.exit(0)
  }
  try {
    return parseArgs({ args: [...words], options, allowPositionals: positionals, strict: true })
  } catch (cause) {
    const [sentence] = (cause as Error).message.split('. ')
    throw new StartFailure(`${sentence}: see --help`, { cause })
  }
}

/** Returns the port in a text; throws a StartFailure unless it is a whole number from 0 to 65535. */
export function portOption(text: string, name = '--port'): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= 65535) return port
  throw new StartFailure(
    `${name} ${JSON.stringify(text)} is not a port: give a number from 0 to 65535`,
  )
}

/** Returns the given value if it is allowed; otherwise throws a StartFailure that lists the values. */
export function choiceOption<const Value extends string>(
  option: string,
  text: string,
  values: readonly Value[],
): Value {
  const found = values.find((value) => value === text)
  if (found !== undefined) return found
  throw new StartFailure(
    `${option} ${JSON.stringify(text)} is not known: give ${values.join(' or ')}`,
  )
}
