/** Adds the OAuth endpoints. */
import type { Express } from 'express'
import { addGetRoute } from '../../kit/get-route.ts'
import { formEndpoint } from './form-endpoint.ts'
import { introspectionEndpoint, introspectionPath } from './introspection-endpoint.ts'
import type { IntrospectionParts } from './introspection-endpoint.ts'
import { metadataPaths, metadataRoute } from './metadata.ts'
import { revocationEndpoint, revocationPath } from './revocation-endpoint.ts'
import type { RevocationEndpointParts } from './revocation-endpoint.ts'
import { tokenEndpoint, tokenPath } from './token-endpoint.ts'
import type { TokenEndpointParts } from './token-endpoint.ts'

export interface OAuthParts
  extends TokenEndpointParts, IntrospectionParts, RevocationEndpointParts {
  issuer: string
  baseUrl: () => string
  algorithm: string
}

export function addOAuthRoutes(app: Express, parts: OAuthParts): void {
  addGetRoute(app, metadataPaths, metadataRoute(parts.issuer, parts.baseUrl, parts.algorithm))
  app.use(formEndpoint(tokenPath, tokenEndpoint(parts)))
  app.use(formEndpoint(introspectionPath, introspectionEndpoint(parts)))
  app.use(formEndpoint(revocationPath, revocationEndpoint(parts)))
}
