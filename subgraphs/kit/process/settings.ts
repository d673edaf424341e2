/**
 * Reads a process's settings from the environment and collects all problems, so that an operator sees
 * the complete list and not one problem per restart.
 */
import { isUtf8 } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { developmentSecret } from './development-secret.ts'
import { StartFailure } from './start-failure.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export interface Settings {
  readonly production: boolean
  /** The folder of embedded databases and development secrets. */
  readonly dataDirectory: string
  /** Returns a value, or its default if unset; unset without a default is a problem. */
  text(name: string, fallback?: string): string
  optional(name: string): string | undefined
  /** Returns a value that contains a secret, from NAME or from the file that NAME_FILE names. */
  optionalSecret(name: string): string | undefined
  /** Returns a whole number within the given bounds, inclusive. */
  wholeNumber(name: string, fallback: number, bounds: { least: number; most: number }): number
  port(name: string, fallback: number): number
  /** Returns one of the given values. */
  choice<Value extends string>(name: string, values: readonly Value[], fallback: Value): Value
  /**
   * Returns a secret from NAME, or from the file that NAME_FILE names. In development a missing secret
   * is generated and kept in the data directory; in production it is a problem.
   */
  secret(name: string, develop?: () => string): string
  /** Reports a problem with a value that was read. */
  problem(sentence: string): void
  /** Throws a StartFailure that lists all problems found so far, if there are any. */
  refuseProblems(): void
}

/** Bytes that are not UTF-8 would all become the same character, which would weaken a secret. */
const notText =
  'not text in UTF-8: write the secret as text, for example with `openssl rand -base64 48`'

/** A placeholder that is never used, since refuseProblems() throws first: it keeps the types simple. */
const unusable = ''

export function readSettings(environment: Environment): Settings {
  const problems: string[] = []
  const production = environment.NODE_ENV === 'production'
  const dataDirectory = environment.DATA_DIR || '.data'

  const optional = (name: string) => environment[name]?.trim() || undefined

  const settings: Settings = {
    production,
    dataDirectory,
    optional,

    optionalSecret(name) {
      return optional(name) ?? fromFile(name)
    },

    text(name, fallback) {
      const value = optional(name) ?? fallback
      if (value === undefined) problems.push(`${name} is not set`)
      return value ?? unusable
    },

    wholeNumber(name, fallback, { least, most }) {
      const text = optional(name)
      if (text === undefined) return fallback
      const value = Number(text)
      if (Number.isInteger(value) && value >= least && value <= most) return value
      problems.push(
        `${name} is ${JSON.stringify(text)}: expected a number from ${least} to ${most}`,
      )
      return fallback
    },

    port(name, fallback) {
      return settings.wholeNumber(name, fallback, { least: 0, most: 65535 })
    },

    choice(name, values, fallback) {
      const text = optional(name)
      const value = text === undefined ? fallback : values.find((each) => each === text)
      if (value === undefined) {
        problems.push(
          `${name} is ${JSON.stringify(text)}: expected ${values.slice(0, -1).join(', ')} or ${values.at(-1)}`,
        )
      }
      return value ?? fallback
    },

    secret(name, develop = () => developmentSecret(dataDirectory, fileName(name))) {
      const value = settings.optionalSecret(name)
      if (value !== undefined) return value
      if (!production) return develop()
      problems.push(`${name} is not set: give the secret in ${name}, or its file in ${name}_FILE`)
      return unusable
    },

    problem(sentence) {
      problems.push(sentence)
    },

    refuseProblems() {
      if (problems.length === 0) return
      const list = [...new Set(problems)].map((problem) => `\n  - ${problem}`).join('')
      throw new StartFailure(`the configuration cannot be used:${list}`)
    },
  }
  return settings

  function fromFile(name: string): string | undefined {
    const path = optional(`${name}_FILE`)
    if (path === undefined) return undefined
    try {
      const bytes = readFileSync(path)
      const content = bytes.toString('utf8').trim()
      if (content && isUtf8(bytes)) return content
      problems.push(`${name}_FILE names ${path}, which is ${content ? notText : 'empty'}`)
    } catch (cause) {
      problems.push(`${name}_FILE names ${path}, which cannot be read (${errorCode(cause)})`)
    }
    return unusable
  }
}

function fileName(name: string): string {
  return name.toLowerCase().replaceAll('_', '-')
}

function errorCode(cause: unknown): string {
  return (cause as NodeJS.ErrnoException).code ?? 'unknown reason'
}
