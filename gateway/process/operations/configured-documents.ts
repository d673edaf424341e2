/** Which documents clients may send, by the configuration. */
import { parse } from 'graphql'
import type { Logger } from 'pino'
import { clientsOfIssuers } from '../../configuration/clients.ts'
import type { GatewayConfig } from '../../configuration/gateway-config.ts'
import { automaticOperations } from '../../operations/automatic-operations.ts'
import type { AutomaticOptions } from '../../operations/automatic-operations.ts'
import { KnownOperations } from '../../operations/known-operations.ts'
import { operationName } from '../../operations/nearest-operation.ts'
import { documentResolver } from '../../operations/resolve-document.ts'
import type { NamedDocument } from '../../operations/resolve-document.ts'
import { unknownOperations } from '../../operations/unknown-operations.ts'
import type { PlanKnownOperations } from '../../supergraph/warm-up.ts'
import { clientLabel } from '../../telemetry/client-name.ts'
import { documentHash } from '../../telemetry/document-hash.ts'
import type { RequestFacts } from '../../telemetry/request-facts.ts'
import { followManifests } from './followed-manifests.ts'
import type { RegisteredTexts } from './registered-texts.ts'
import { fetchedManifests } from './remote-manifest.ts'
import type { OpenRemoteManifest } from './remote-manifest.ts'

export interface ConfiguredDocumentsParts {
  readonly config: Pick<GatewayConfig, 'operations' | 'authentication'>
  /** Where the last good manifests of URLs are kept. */
  readonly dataDirectory: string
  /** Opens manifests at URLs; left out: this process fetches them itself. */
  readonly openManifest?: OpenRemoteManifest | undefined
  /** The automatic persisted queries of all processes; left out: there are no others. */
  readonly registeredTexts?: RegisteredTexts | undefined
  readonly log: Logger
}

export interface ConfiguredDocuments {
  /** Undefined: documents have no ids, and every text is accepted. */
  readonly textOf: ((reference: NamedDocument, facts: RequestFacts) => string) | undefined
  /** Returns the operations that are planned before a supergraph serves. */
  known(): KnownOperations
  /** Sets what plans operations that are added, before they are used. */
  planBy(plan: PlanKnownOperations): void
  /** Why known operations cannot be served right now; empty if they can. */
  unreadiness(): readonly string[]
  close(): Promise<void>
}

const none = new KnownOperations()

const noDocuments: ConfiguredDocuments = {
  textOf: undefined,
  known: () => none,
  planBy() {},
  unreadiness: () => [],
  close: async () => {},
}

/** A larger document is logged without its hash. */
const mostTokens = 10_000

/** Returns them once the manifests are read. One that cannot be used is a StartFailure. */
export async function configuredDocuments({
  config,
  dataDirectory,
  openManifest,
  registeredTexts,
  log,
}: ConfiguredDocumentsParts): Promise<ConfiguredDocuments> {
  const { manifests, accept, exempt, logUnknown, automatic } = config.operations
  if (manifests.length === 0 && !automatic) {
    return noDocuments
  }
  let plan: PlanKnownOperations = async () => {}
  const onAdd: PlanKnownOperations = (added) => plan(added)
  const openRemote = openManifest ?? fetchedManifests({ dataDirectory, log })
  const followed = await followManifests({ manifests, openRemote, onAdd, dataDirectory, log })
  const registered = automatic && sharedOperations(automatic, registeredTexts)
  return {
    textOf: documentResolver<RequestFacts>({
      known: followed.current,
      automatic: registered?.operations,
      accept,
      exempt: {
        scopes: exempt.scopes,
        clients: clientsOfIssuers(exempt.clients, config.authentication.issuers),
      },
      onUnknown: logUnknown && manifests.length > 0 ? unknownLog(followed.current, log) : undefined,
    }),
    known: () => followed.current() ?? none,
    planBy: (next) => void (plan = next),
    unreadiness: followed.unreadiness,
    async close() {
      registered?.close()
      await followed.close()
    },
  }
}

/** Returns automatic persisted queries that all processes know, wherever they have been registered. */
function sharedOperations(options: AutomaticOptions, texts: RegisteredTexts | undefined) {
  const operations = automaticOperations({
    ...options,
    onRegistered: texts && ((hash, text) => texts.publish({ hash, text })),
  })
  const stop = texts?.subscribe(({ hash, text }) => operations.add(hash, text))
  return { operations, close: () => stop?.() }
}

/** Returns the function that logs an operation that is in no manifest, but not its text: secrets may be in it. */
function unknownLog(known: () => KnownOperations | undefined, log: Logger) {
  return unknownOperations<RequestFacts>({
    known,
    report(text, { request, requestId, caller }, nearest) {
      const details = {
        requestId,
        operationName: operationName(text),
        hash: hashOf(text),
        client: clientLabel(request.headers, 'name'),
        clientVersion: clientLabel(request.headers, 'version'),
        sub: caller?.claims?.sub,
        nearest,
      }
      log.warn(details, 'an operation is in no manifest')
    },
    onTooMany: () => log.warn('more operations are in no manifest than are logged in a minute'),
  })
}

/** As the access log has it; undefined if the text is not GraphQL. */
function hashOf(text: string): string | undefined {
  try {
    return documentHash(text, parse(text, { maxTokens: mostTokens }))
  } catch {
    return undefined
  }
}
