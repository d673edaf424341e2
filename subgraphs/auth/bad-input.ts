import { GraphQLError } from 'graphql'

/** What the caller can look up, beside the sentence. */
export interface InputFault {
  /** The argument that is not acceptable. */
  readonly field?: string
  /** What it is held to. */
  readonly limit?: number
  /** The setting of auth that decides it. */
  readonly setting?: string
}

/**
 * Returns the error for a value that is not acceptable. The message reaches the client: it says what is
 * wrong and what to do, and never holds a secret.
 */
export function badInput(message: string, fault: InputFault = {}): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT', ...fault } })
}

/** Returns a text that a client sent, as a message may repeat it. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}...` : text)
}
