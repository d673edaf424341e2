import { GraphQLError } from 'graphql'
import { requireClaims } from '../kit/guards.ts'
import type { SubgraphContext } from '../kit/guards.ts'
import type { Profiles } from './profiles.ts'

interface UserReference {
  id: string
}

export function resolvers(profiles: Profiles) {
  return {
    Query: {
      async userData(_parent: unknown, _args: unknown, context: SubgraphContext) {
        const { id } = await profiles.ofCaller(requireClaims(context))
        return { id }
      },
    },
    User: {
      __resolveReference: ({ id }: UserReference) => ({ id }),

      /** Guarded here and not at the root field: a user is reached by many roads. */
      async name(user: UserReference, _args: unknown, context: SubgraphContext) {
        const claims = requireClaims(context)
        if (claims.sub !== user.id) {
          throw new GraphQLError('Only for the user themselves', {
            extensions: { code: 'FORBIDDEN' },
          })
        }
        const { name } = await profiles.ofCaller(claims)
        return name
      },
    },
  }
}
