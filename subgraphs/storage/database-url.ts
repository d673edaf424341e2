import { join } from 'node:path'

/** The little that is needed of a process's settings. */
interface Settings {
  readonly production: boolean
  readonly dataDirectory: string
  optional(name: string): string | undefined
  problem(sentence: string): void
}

/**
 * Returns the URL of a process's database: DATABASE_URL, or an embedded one in DATA_DIR.
 * In production one of the two must have been chosen: data is not kept where nobody asked for it.
 *
 * @param fileName of the embedded database; each process has its own
 */
export function databaseUrl(settings: Settings, fileName: string): string {
  const url = settings.optional('DATABASE_URL')
  if (url !== undefined) return url
  if (settings.production && settings.optional('DATA_DIR') === undefined) {
    settings.problem(
      'DATABASE_URL is not set: give postgres://USER@HOST/DATABASE, ' +
        'or a folder for an embedded database in DATA_DIR',
    )
  }
  return `sqlite:${join(settings.dataDirectory, fileName)}`
}
