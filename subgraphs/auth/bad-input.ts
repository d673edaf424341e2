import { GraphQLError } from 'graphql'

/** Machine-readable details of the error. */
export interface InputFault {
  /** The argument that is not acceptable. */
  readonly field?: string
  /** The limit that applies. */
  readonly limit?: number
  /** The setting of auth that controls it. */
  readonly setting?: string
}

/**
 * Returns the error for a value that is not acceptable. The message reaches the client: it states the
 * problem and the remedy, and never contains a secret.
 */
export function badInput(message: string, fault: InputFault = {}): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT', ...fault } })
}

/** Returns a text that a client sent, quoted and shortened for a message. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}...` : text)
}
