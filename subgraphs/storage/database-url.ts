import { join } from 'node:path'

/** The required part of a process's settings. */
interface Settings {
  readonly production: boolean
  readonly dataDirectory: string
  optional(name: string): string | undefined
  optionalSecret(name: string): string | undefined
  problem(sentence: string): void
}

/**
 * Returns the URL of a process's database: DATABASE_URL, from the file DATABASE_URL_FILE, or an embedded one in DATA_DIR.
 * In production one of the two must be set: data is never stored in a place that was not chosen.
 *
 * @param fileName of the embedded database, a different one for each process
 */
export function databaseUrl(settings: Settings, fileName: string): string {
  const url = settings.optionalSecret('DATABASE_URL')
  if (url !== undefined) return url
  if (settings.production && settings.optional('DATA_DIR') === undefined) {
    settings.problem(
      'DATABASE_URL is not set: set it to postgres://USER@HOST/DATABASE, ' +
        'or set DATA_DIR to a folder for an embedded database',
    )
  }
  return `sqlite:${join(settings.dataDirectory, fileName)}`
}
