import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { productCommand } from '../../subgraphs/kit/process/product-command.ts'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'

/** Returns the JSON object in a file; throws a StartFailure if there is none. */
export function readObject(path: string): Record<string, unknown> {
  const text = readText(path)
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>
    }
  } catch {
    // Falls through: not JSON, so not an object.
  }
  throw new StartFailure(`${basename(path)} is not a JSON object`)
}

/** Returns the text of a file; throws a StartFailure if it cannot be read. */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const { code = 'unknown reason' } = cause as NodeJS.ErrnoException
    const hint = path.endsWith('supergraph.graphql')
      ? `: create it with \`${productCommand('compose')}\``
      : ''
    throw new StartFailure(`${path} cannot be read (${code})${hint}`, { cause })
  }
}
