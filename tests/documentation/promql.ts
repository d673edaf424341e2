/** What a PromQL query says, against the metrics that there are. */
import { parser } from '@prometheus-io/lezer-promql'
import type { SyntaxNode } from '@lezer/common'

export interface Metric {
  readonly type: string
  readonly labels: ReadonlySet<string>
}

/** Prometheus itself gives these labels to what it scrapes. */
const labelsOfPrometheus = ['job', 'instance']

/** Functions of counters and of the parts of histograms: only their growth says something. */
const ofGrowth = ['rate', 'increase']

/** Returns what is wrong with the query: its syntax, names that do not exist, the wrong function. */
export function faultsOf(query: string, metrics: ReadonlyMap<string, Metric>): string[] {
  const faults: string[] = []
  const text = ({ from, to }: SyntaxNode) => query.slice(from, to)

  parser.parse(query).iterate({
    enter({ node, type }) {
      if (type.isError) faults.push(`a syntax error at character ${node.from}`)
      if (type.name === 'VectorSelector') judgeSelector(node)
      if (type.name === 'AggregateExpr') judgeGrouping(node)
      if (text(node).startsWith('histogram_quantile') && type.name === 'FunctionCall') {
        if (!labelsIn(node, 'GroupingLabels').includes('le')) faults.push('a quantile without le')
      }
    },
  })
  return faults

  function judgeSelector(node: SyntaxNode): void {
    const name = text(node.getChild('Identifier')!)
    const metric = metricNamed(name)
    if (!metric) return void faults.push(`there is no metric ${name}`)
    const labels = labelsIn(node, 'LabelName').filter((label) => !isLabelOf(metric, label))
    faults.push(...labels.map((label) => `${name} has no label ${label}`))
    const grows = metric.type !== 'gauge'
    const caller = node.parent?.parent?.parent?.getChild('FunctionIdentifier')
    const isGrowth =
      node.parent?.name === 'MatrixSelector' && !!caller && ofGrowth.includes(text(caller))
    if (grows !== isGrowth) faults.push(`${name} is a ${metric.type}`)
  }

  function judgeGrouping(node: SyntaxNode): void {
    const selectors = nodesIn(node, 'VectorSelector').map((each) =>
      metricNamed(text(each.getChild('Identifier')!)),
    )
    const modifier = node.getChild('AggregateModifier')
    for (const label of modifier ? labelsIn(modifier, 'LabelName') : []) {
      if (selectors.every((metric) => metric && isLabelOf(metric, label))) continue
      faults.push(`${text(node)} is grouped by ${label}, which is no label`)
    }
  }

  function metricNamed(name: string): Metric | undefined {
    const known = metrics.get(name)
    if (known) return known.type === 'histogram' ? undefined : known
    const histogram = metrics.get(name.replace(/_(bucket|sum|count)$/, ''))
    if (histogram?.type !== 'histogram') return undefined
    return name.endsWith('_bucket')
      ? { ...histogram, labels: new Set([...histogram.labels, 'le']) }
      : histogram
  }

  function labelsIn(node: SyntaxNode, kind: string): string[] {
    return nodesIn(node, kind).flatMap((each) =>
      kind === 'LabelName' ? [text(each)] : labelsIn(each, 'LabelName'),
    )
  }
}

function isLabelOf({ labels }: Metric, label: string): boolean {
  return labels.has(label) || labelsOfPrometheus.includes(label)
}

function nodesIn(node: SyntaxNode, kind: string): SyntaxNode[] {
  const found: SyntaxNode[] = []
  node.cursor().iterate((each) => {
    if (each.name === kind) found.push(each.node)
  })
  return found
}

/** Returns the metrics of a text in the format of Prometheus. */
export function metricsIn(text: string): Map<string, Metric & { readonly labels: Set<string> }> {
  const metrics = new Map(
    [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name, type]) => [
      name!,
      { type: type!, labels: new Set<string>() },
    ]),
  )
  for (const [, name, labels] of text.matchAll(/^(\w+)\{(.*)\} \S+$/gm)) {
    const metric = metrics.get(name!) ?? metrics.get(name!.replace(/_(bucket|sum|count)$/, ''))
    for (const [, label] of labels!.matchAll(/(\w+)="/g)) {
      if (label !== 'le' || metric?.type !== 'histogram') metric!.labels.add(label!)
    }
  }
  return metrics
}
