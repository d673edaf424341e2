/** Every database that the product runs on, so that a suite can say `describe.each(databases)`. */
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { postgresServer, scratchDatabase } from './postgres.ts'
import type { ScratchDatabase } from './postgres.ts'

export interface TestDatabase {
  readonly name: 'SQLite' | 'PostgreSQL'
  /** Makes an empty database. */
  make(): Promise<ScratchDatabase>
}

/** Returns SQLite, and PostgreSQL where there is one; prints why there is none otherwise. */
export async function testDatabases(): Promise<TestDatabase[]> {
  const server = await postgresServer()
  if ('url' in server) {
    return [sqlite, { name: 'PostgreSQL', make: () => scratchDatabase(server.url) }]
  }
  console.warn(`PostgreSQL is not tested: ${server.failure}. Give one in DATABASE_URL.`)
  return [sqlite]
}

const sqlite: TestDatabase = {
  name: 'SQLite',
  async make() {
    const folder = mkdtempSync(join(quickestFolder(), 'portcullis-sqlite-'))
    return {
      url: `sqlite:${join(folder, 'test.db')}`,
      drop: async () => rmSync(folder, { recursive: true, force: true }),
    }
  },
}

/** In memory where the system has a folder there: nothing in these outlives a test. */
function quickestFolder(): string {
  try {
    accessSync('/dev/shm', constants.W_OK)
    return '/dev/shm'
  } catch {
    return tmpdir()
  }
}
