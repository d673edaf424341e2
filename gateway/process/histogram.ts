/**
 * A histogram whose series are kept by the code that observes. The library would hash the labels of each
 * observation, which costs ten times as much.
 */
import { Histogram } from 'prom-client'
import type { HistogramConfiguration } from 'prom-client'

type Labels = Readonly<Record<string, string>>
type Configuration = HistogramConfiguration<string> & { readonly buckets: readonly number[] }

/** The observations with one combination of labels. */
export interface Series {
  observe(value: number): void
}

/** A histogram of Prometheus. */
export class SeriesHistogram extends Histogram {
  readonly #configuration: Configuration
  readonly #series: CountedSeries[] = []

  constructor(configuration: Configuration) {
    super({ ...configuration, buckets: [...configuration.buckets] })
    this.#configuration = configuration
  }

  /** Returns a new series. The caller keeps it: there must be one only with these labels. */
  series(labels: Labels): Series {
    const series = new CountedSeries(labels, this.#configuration.buckets)
    this.#series.push(series)
    return series
  }

  /** The library reads a histogram by this method, which its types do not list. */
  async getForPromString() {
    const { name, help } = this.#configuration
    const values = this.#series.flatMap((series) => series.values(name))
    return { name, help, type: 'histogram', aggregator: 'sum', values }
  }
}

class CountedSeries implements Series {
  readonly #labels: Labels
  readonly #bounds: readonly number[]
  /** How many values each bucket has without the smaller ones; the last one has no bound. */
  readonly #counts: number[]
  #sum = 0

  constructor(labels: Labels, bounds: readonly number[]) {
    this.#labels = labels
    this.#bounds = bounds
    this.#counts = new Array<number>(bounds.length + 1).fill(0)
  }

  observe(value: number): void {
    const bounds = this.#bounds
    let bucket = 0
    while (bucket < bounds.length && value > bounds[bucket]!) bucket++
    this.#counts[bucket]!++
    this.#sum += value
  }

  /** Returns the values as the library has them: `sharedLabels` are the labels of the series. */
  values(name: string) {
    const sharedLabels = this.#labels
    let count = 0
    const buckets = this.#counts.map((inBucket, index) => ({
      metricName: `${name}_bucket`,
      labels: { le: this.#bounds[index] ?? '+Inf' },
      sharedLabels,
      value: (count += inBucket),
    }))
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels: {}, sharedLabels, value: this.#sum },
      { metricName: `${name}_count`, labels: {}, sharedLabels, value: count },
    ]
  }
}
