/** The spans of a sampled request, made with OpenTelemetry: the request, its steps, its calls to subgraphs. */
import { createTraceState, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { Attributes, Context, Span as OpenTelemetrySpan, Tracer } from '@opentelemetry/api'
import type { CallSpan, Span, TraceContext } from '../client-request.ts'
import { outcomeOf, reasonOf } from './outcome.ts'
import type { EndingTrace, RequestFacts } from './request-facts.ts'
import { parentIdOf, recordedTraceparent, traceIdOf } from './trace-context.ts'

/** Names in GraphQL have no greatest length. */
const mostCharacters = 128

/** A code of a subgraph could be any text. */
const codeForm = /^[A-Z][A-Z0-9_]{0,63}$/

/** The value of `error.type` for what has no word (OpenTelemetry, semantic conventions). */
const otherError = '_OTHER'

/** The trace of one request, and the span of the request itself. */
export class RequestTrace implements EndingTrace {
  readonly traceId: string
  readonly #tracer: Tracer
  readonly #span: OpenTelemetrySpan
  readonly #within: Context

  /** @param brought the trace that the request belongs to; without one, it begins a trace */
  constructor(tracer: Tracer, facts: RequestFacts, brought: TraceContext | undefined) {
    this.#tracer = tracer
    const attributes = {
      'http.request.method': facts.request.method,
      'http.route': '/graphql',
      'url.path': '/graphql',
      'url.scheme': 'http',
      'portcullis.request_id': facts.requestId,
    }
    const name = `${facts.request.method} /graphql`
    const options = { kind: SpanKind.SERVER, attributes }
    this.#span = tracer.startSpan(name, options, brought ? remoteContext(brought) : ROOT_CONTEXT)
    this.#within = trace.setSpan(ROOT_CONTEXT, this.#span)
    this.traceId = this.#span.spanContext().traceId
  }

  start(name: string): Span {
    return new StepSpan(this.#tracer.startSpan(name, undefined, this.#within))
  }

  startCall(subgraph: string, url: string): CallSpan {
    const attributes = { ...addressOf(url), 'portcullis.subgraph': subgraph }
    const options = { kind: SpanKind.CLIENT, attributes }
    return new SubgraphSpan(this.#tracer.startSpan('POST', options, this.#within))
  }

  end(...[{ status }, facts, laterFailure]: Parameters<EndingTrace['end']>): void {
    const span = this.#span
    const { operation, denied } = facts
    const { name, operation: type } = operation?.operation ?? {}
    const outcome = outcomeOf(facts)
    const reason = reasonOf(facts) ?? laterFailure
    span.setAttributes({
      'http.response.status_code': status,
      'portcullis.outcome': outcome === 'ok' && laterFailure !== undefined ? 'error' : outcome,
      ...(type ? { 'graphql.operation.type': type } : {}),
      ...(name ? { 'graphql.operation.name': name.value.slice(0, mostCharacters) } : {}),
      ...(denied > 0 ? { 'portcullis.denied_fields': denied } : {}),
      ...(reason !== undefined ? { 'error.type': errorType(reason) } : {}),
    })
    // A refusal is the client's fault: the span of a server is an error from 500 on.
    if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
    span.end()
  }
}

class StepSpan implements Span {
  protected readonly span: OpenTelemetrySpan

  constructor(span: OpenTelemetrySpan) {
    this.span = span
  }

  set(attribute: string, value: string | number | boolean): void {
    this.span.setAttribute(attribute, value)
  }

  end(failure?: string): void {
    if (failure !== undefined) this.span.setAttribute('error.type', errorType(failure))
    this.span.end()
  }
}

class SubgraphSpan extends StepSpan implements CallSpan {
  readonly traceparent: string
  #isShared = true

  constructor(span: OpenTelemetrySpan) {
    super(span)
    const { traceId, spanId } = span.spanContext()
    this.traceparent = recordedTraceparent(traceId, spanId)
  }

  isCalling(): void {
    this.#isShared = false
  }

  retried(): void {
    this.span.setAttribute('http.request.resend_count', 1)
  }

  override end(failure?: string): void {
    this.span.setAttribute('portcullis.shared', this.#isShared)
    if (failure !== undefined) this.span.setStatus({ code: SpanStatusCode.ERROR })
    super.end(failure)
  }
}

/** What the sender recorded is not our concern here: what is traced has been decided. */
function remoteContext(brought: TraceContext): Context {
  const { tracestate } = brought
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId: traceIdOf(brought),
    spanId: parentIdOf(brought),
    traceFlags: 1,
    isRemote: true,
    ...(tracestate !== undefined ? { traceState: createTraceState(tracestate) } : {}),
  })
}

/** A URL in a supergraph may have credentials or keys: its query and user are left out. */
function addressOf(url: string): Attributes {
  const { protocol, hostname, port, origin, pathname } = new URL(url)
  return {
    'http.request.method': 'POST',
    'server.address': hostname,
    'server.port': Number(port || (protocol === 'https:' ? 443 : 80)),
    'url.full': origin + pathname,
  }
}

function errorType(reason: string): string {
  return codeForm.test(reason) ? reason : otherError
}
