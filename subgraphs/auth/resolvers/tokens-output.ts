import type { HandedOut } from '../sessions/session-cookies.ts'

/** Returns the LoginPayload. */
export function tokensOutput({ account, ...tokens }: HandedOut) {
  return { ...tokens, user: { id: account.id } }
}
