/** `${env.NAME}`, `${env.NAME:-default}` and `${file.PATH}` in the texts of a configuration. */
import { isUtf8 } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

export interface SubstitutionParts {
  environment: Readonly<Record<string, string | undefined>>
  /** Where relative paths start. */
  directory: string
  /** Called for every placeholder that has no value. */
  problem: (path: readonly PropertyKey[], sentence: string) => void
}

/** The default of a placeholder may have placeholders itself. */
const placeholder = /\$\{((?:\$\{[^}]*\}|[^}])*)\}/g
const form = /^(?:env\.([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?|file\.(.+))$/

/**
 * Returns the value with every placeholder replaced. A replacement stays one text: it is never parsed as
 * YAML, so it cannot add keys.
 */
export function substitute(
  value: unknown,
  parts: SubstitutionParts,
  path: readonly PropertyKey[] = [],
): unknown {
  if (typeof value === 'string') return substituteText(value, parts, path)
  if (Array.isArray(value)) {
    return value.map((entry, index) => substitute(entry, parts, [...path, index]))
  }
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [key, substitute(entry, parts, [...path, key])]),
  )
}

function substituteText(
  text: string,
  parts: SubstitutionParts,
  path: readonly PropertyKey[],
): string {
  return text.replaceAll(placeholder, (_whole, expression: string) => {
    const match = form.exec(expression)
    if (!match) {
      parts.problem(path, 'has a placeholder that is neither ${env.NAME} nor ${file.PATH}')
      return ''
    }
    const [, name, fallback, file] = match
    return name === undefined ? readSecretFile(file!) : readVariable(name, fallback)
  })

  function readVariable(name: string, fallback: string | undefined): string {
    const value =
      parts.environment[name] ||
      (fallback === undefined ? undefined : substituteText(fallback, parts, path))
    if (value === undefined) parts.problem(path, `needs ${name}, which is not set`)
    return value ?? ''
  }

  function readSecretFile(file: string): string {
    try {
      const bytes = readFileSync(resolve(parts.directory, file))
      if (!isUtf8(bytes)) parts.problem(path, `needs the file ${file}, which is not text in UTF-8`)
      return bytes.toString('utf8').trim()
    } catch (cause) {
      const { code = 'unknown reason' } = cause as NodeJS.ErrnoException
      parts.problem(path, `needs the file ${file}, which cannot be read (${code})`)
      return ''
    }
  }
}
