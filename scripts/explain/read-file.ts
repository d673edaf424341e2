import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'

/** Returns the JSON object in a file; what is wrong with it is a StartFailure. */
export function readObject(path: string): Record<string, unknown> {
  const text = readText(path)
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>
    }
  } catch {
    // Falls through: no JSON, no object.
  }
  throw new StartFailure(`${basename(path)} is no JSON object`)
}

/** Returns the text of a file; one that cannot be read is a StartFailure. */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const { code = 'unknown reason' } = cause as NodeJS.ErrnoException
    const hint = path.endsWith('supergraph.graphql') ? ': make it with `npm run compose`' : ''
    throw new StartFailure(`${path} cannot be read (${code})${hint}`, { cause })
  }
}
