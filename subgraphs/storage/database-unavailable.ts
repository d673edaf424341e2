/**
 * Thrown if the database is temporarily unavailable: it restarts, fails over, has no connection left, is
 * locked or out of space. A wrong statement is another error.
 */
export class DatabaseUnavailable extends Error {
  override name = 'DatabaseUnavailable'
}

/** What Kysely says of a database that is closed: a process that ends does not wait for every request. */
const closed = 'driver has already been destroyed'

/** Returns whether an error, or what caused it, is a DatabaseUnavailable, or the database is closed already. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (error instanceof DatabaseUnavailable) return true
  if (!(error instanceof Error)) return false
  return error.message === closed || isDatabaseUnavailable(error.cause)
}

/** Returns the result of a database operation; errors for which `isUnavailable` holds become DatabaseUnavailable. */
export async function reportUnavailable<T>(
  operation: () => T | Promise<T>,
  isUnavailable: (cause: unknown) => boolean,
): Promise<T> {
  try {
    return await operation()
  } catch (cause) {
    if (!isUnavailable(cause)) throw cause
    const { code, message } = cause as { code?: unknown; message?: unknown }
    throw new DatabaseUnavailable(`the database is unavailable (${code ?? message})`, { cause })
  }
}
