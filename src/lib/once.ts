/**
 * A value that is computed when somebody first asks for it, and kept.
 */

/** Wraps `compute` so that it runs at most once. */
export function once<T>(compute: () => T): () => T {
  let kept: { readonly value: T } | null = null;
  return () => {
    kept ??= { value: compute() };
    return kept.value;
  };
}
