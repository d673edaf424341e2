import { GraphQLError } from 'graphql'
import type { Claims } from '../kit/claims-header.ts'
import { requireClaims, requireScopes } from '../kit/guards.ts'
import type { SubgraphContext } from '../kit/guards.ts'
import type { Profile, Profiles } from './profiles.ts'

interface UserReference {
  id: string
}

export function resolvers(profiles: Profiles) {
  const profileOf = oncePerRequest(profiles)

  return {
    Query: {
      async userData(_parent: unknown, _args: unknown, context: SubgraphContext) {
        const { id } = await profileOf(requireClaims(context))
        return { id }
      },
    },
    User: {
      __resolveReference: ({ id }: UserReference) => ({ id }),

      /** Guarded here and not at the root field: many paths of the graph lead to a user. */
      async name(user: UserReference, _args: unknown, context: SubgraphContext) {
        const { name } = await profileOf(requireSelf(user, requireClaims(context)))
        return name
      },

      /** The gateway requests it only with that scope; it is checked here again. */
      email(user: UserReference, _args: unknown, context: SubgraphContext) {
        const claims = requireSelf(user, requireScopes(context, 'profile:email'))
        const { email, email_verified: verified } = claims
        // Issuers may forward unverified addresses, and mark them; some mark them with a string.
        const isUnproven = verified === false || verified === 'false'
        return typeof email === 'string' && !isUnproven ? email : null
      },
    },
  }
}

/**
 * Returns a function that reads the caller's profile once per request, for any number of aliases: the
 * claims object identifies the request.
 */
function oncePerRequest(profiles: Profiles): Profiles['ofCaller'] {
  const found = new WeakMap<Claims, Promise<Profile>>()
  return (claims) => {
    const profile = found.get(claims) ?? profiles.ofCaller(claims)
    found.set(claims, profile)
    return profile
  }
}

function requireSelf(user: UserReference, claims: Claims): Claims {
  if (claims.sub === user.id) return claims
  throw new GraphQLError('Only for the user themselves', { extensions: { code: 'FORBIDDEN' } })
}
