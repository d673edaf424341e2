import type { ResponseError } from '../graphql/response-error.ts'

/** Returns why a subscription has ended, in a word: a reason or code of its errors, or `completed`. */
export function reasonOf(errors: readonly ResponseError[]): string {
  const [error] = errors
  if (!error) return 'completed'
  return String(error.extensions['reason'] ?? error.extensions['code'])
}
