/** Heat maps of histograms: time from left to right, values upwards, counts as darkness. */

export interface HeatMap {
  bounds: readonly number[];
  /** By bin of time, then by bucket from the lowest. */
  counts: readonly (readonly number[])[];
}

export interface HeatRows {
  /** The first and one past the last bucket with a count, so that empty ones take no room. */
  first: number;
  end: number;
  most: number;
}

export function heatRows(map: HeatMap): HeatRows {
  let first = Infinity;
  let end = 0;
  let most = 0;
  for (const buckets of map.counts) {
    buckets.forEach((count, bucket) => {
      if (count <= 0) return;
      first = Math.min(first, bucket);
      end = Math.max(end, bucket + 1);
      most = Math.max(most, count);
    });
  }
  return { first: Math.min(first, end), end, most };
}

/** From 0 to 1; logarithmic, so that a rare slow request is seen beside thousands of fast ones. */
export function heatOf(count: number, most: number): number {
  return count > 0 && most > 0 ? 0.12 + 0.88 * (Math.log1p(count) / Math.log1p(most)) : 0;
}

/** The values of a bucket in words: `0.1 – 0.25`, `over 10`. */
export function bucketName(
  bounds: readonly number[],
  bucket: number,
  format: (value: number) => string,
): string {
  const low = bounds[bucket - 1];
  const high = bounds[bucket];
  if (high === undefined) return low === undefined ? 'any' : `over ${format(low)}`;
  return low === undefined ? `up to ${format(high)}` : `${format(low)} – ${format(high)}`;
}
