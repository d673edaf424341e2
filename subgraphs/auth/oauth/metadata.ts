/** The metadata of the service (RFC 8414, OpenID Connect Discovery 1.0). */
import type { RequestHandler } from 'express'
import { revocationsPath } from '../revocation/not-before.ts'
import { statusListsPath } from '../revocation/status-lists.ts'
import { jwksPath } from '../tokens/jwks-route.ts'
import { introspectionPath } from './introspection-endpoint.ts'
import { revocationPath } from './revocation-endpoint.ts'
import { grantTypes, tokenPath } from './token-endpoint.ts'

export const metadataPaths = [
  '/.well-known/oauth-authorization-server',
  '/.well-known/openid-configuration',
]

/**
 * Users log in through GraphQL, so there is no authorization endpoint and no ID token. OpenID Connect
 * requires their members, which are therefore empty.
 */
export function metadataRoute(
  issuer: string,
  baseUrl: () => string,
  algorithm: string,
): RequestHandler {
  const clientMethods = ['client_secret_basic', 'client_secret_post']
  return (_request, response) => {
    const at = (path: string) => baseUrl() + path
    response.set('cache-control', 'public, max-age=300').json({
      issuer,
      jwks_uri: at(jwksPath),
      token_endpoint: at(tokenPath),
      token_endpoint_auth_methods_supported: [...clientMethods, 'none'],
      introspection_endpoint: at(introspectionPath),
      introspection_endpoint_auth_methods_supported: clientMethods,
      revocation_endpoint: at(revocationPath),
      revocation_endpoint_auth_methods_supported: ['none'],
      status_list_aggregation_endpoint: at(statusListsPath),
      subject_cut_offs_endpoint: at(revocationsPath),
      grant_types_supported: grantTypes,
      response_types_supported: [],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: [algorithm],
    })
  }
}
