/**
 * Thrown if the database is temporarily unavailable: it restarts, fails over, has no connection left, is
 * locked or out of space. A wrong statement is another error.
 */
export class DatabaseUnavailable extends Error {
  override name = 'DatabaseUnavailable'
}

/** Returns whether an error, or what caused it, is a DatabaseUnavailable. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (error instanceof DatabaseUnavailable) return true
  return error instanceof Error && error.cause !== undefined && isDatabaseUnavailable(error.cause)
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
