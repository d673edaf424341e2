import { messageOf } from './graph.ts'

/** Returns the variables in a text; undefined if it is empty. Throws an Error with a sentence if they are none. */
export function variablesIn(text: string): Readonly<Record<string, unknown>> | undefined {
  if (text.trim() === '') return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new Error(`The variables are not JSON: ${messageOf(cause)}`, { cause })
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>
  }
  throw new Error('The variables are not an object: write { "name": value }')
}
