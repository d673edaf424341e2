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

      /** Guarded here and not at the root field: a user is reached by many roads. */
      async name(user: UserReference, _args: unknown, context: SubgraphContext) {
        const { name } = await profileOf(requireSelf(user, requireClaims(context)))
        return name
      },

      /** The gateway asks for it only with that scope; whoever else asks is refused here. */
      email(user: UserReference, _args: unknown, context: SubgraphContext) {
        const claims = requireSelf(user, requireScopes(context, 'profile:email'))
        const { email, email_verified: verified } = claims
        // An issuer may pass on what its users have typed, and say so; some say it as a text.
        const isUnproven = verified === false || verified === 'false'
        return typeof email === 'string' && !isUnproven ? email : null
      },
    },
  }
}

/**
 * Returns a function that reads the caller's profile once per request, under whatever aliases it is asked
 * for: the claims of each request are an object of their own.
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
