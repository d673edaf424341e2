import { sql } from 'kysely'
import type { Claims } from '../kit/claims-header.ts'
import type { UsersDatabase } from './database.ts'

export interface Profile {
  readonly id: string
  readonly name: string | null
}

export interface Profiles {
  /** Returns the caller's own profile; for a new subject, creates it from the claims. */
  ofCaller(claims: Claims): Promise<Profile>
}

export function profileStore(database: UsersDatabase, now: () => number): Profiles {
  const find = (id: string) =>
    database
      .selectFrom('users_profiles')
      .select(['id', 'name'])
      .where('id', '=', id)
      .executeTakeFirst()

  return {
    async ofCaller(claims) {
      const known = await find(claims.sub)
      if (known?.name != null) return known
      const name = typeof claims.name === 'string' ? claims.name : null
      return (
        database
          .insertInto('users_profiles')
          .values({ id: claims.sub, name, created_at: now() })
          // Two concurrent first requests create one profile; an existing name is kept.
          .onConflict((conflict) =>
            conflict
              .column('id')
              .doUpdateSet({ name: sql`coalesce(users_profiles.name, excluded.name)` }),
          )
          .returning(['id', 'name'])
          .executeTakeFirstOrThrow()
      )
    },
  }
}
