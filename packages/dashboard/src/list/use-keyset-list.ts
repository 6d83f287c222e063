import type { Listed } from "@provost/contract";
import { useInfiniteQuery, useQueryClient, type InfiniteData } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useLive } from "../live/hooks.ts";
import { mergePage, pagesOf, type ListPage } from "./merge.ts";
import { settled } from "../live/settled.ts";

export interface KeysetSource<T> {
  /** Of the list with its filter: another key is another list. */
  key: readonly unknown[];
  /** Topics of the stream that change it. */
  live: readonly string[];
  read: (after: string | undefined, signal?: AbortSignal) => Promise<Listed<T>>;
  idOf: (item: T) => string;
}

export interface KeysetList<T> {
  rows: T[];
  isGone: (item: T) => boolean;
  isPending: boolean;
  error: unknown;
  hasMore: boolean;
  isLoadingMore: boolean;
  loadMore: () => void;
  retry: () => void;
  /** How many stand above the first row by now, as in `12` or `100+`; empty when none does. */
  fresh: string;
  /** Reads the list from its beginning: new rows come in, and those that are gone go. */
  showFresh: () => void;
  /** Which rows are on screen: only their pages are kept current. */
  onVisible: (first: number, last: number) => void;
  /** Something is being done with the rows: none may come or go. */
  onHold: (held: boolean) => void;
}

/** A page is read again at most this often, however much changes. */
const settleMs = 1_500;

/** A list of any length by keyset pages, kept current in place: rows change where they stand and never move. */
export function useKeysetList<T>(source: KeysetSource<T>): KeysetList<T> {
  const client = useQueryClient();
  const queryKey = useMemo(() => ["list", ...source.key], [JSON.stringify(source.key)]);
  const query = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam, signal }) => source.read(pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page: ListPage<T>) => page.next,
    // It is kept current in place; a refetch would read every page anew, and move rows.
    staleTime: Infinity,
    gcTime: 60_000,
  });
  const pages = query.data?.pages;
  const rows = useMemo(() => pages?.flatMap(({ items }) => items) ?? [], [pages]);
  const changes = useInPlace(source, queryKey, pages);
  const showFresh = useCallback((): void => {
    changes.clear();
    client.setQueryData<InfiniteData<ListPage<T>>>(
      queryKey,
      (data) => data && { pages: data.pages.slice(0, 1), pageParams: data.pageParams.slice(0, 1) },
    );
    void query.refetch();
  }, [client, queryKey, query.refetch, changes.clear]);
  const differs = changes.fresh !== "" || changes.gone.size > 0;
  const settle = (): void => {
    if (differs && changes.mayMove(rows.length)) showFresh();
  };
  useEffect(settle, [changes.fresh, changes.gone, showFresh]);
  return {
    rows,
    isGone: (item) => changes.gone.has(source.idOf(item)),
    isPending: query.isPending,
    error: query.error,
    hasMore: query.hasNextPage,
    isLoadingMore: query.isFetchingNextPage,
    loadMore: () => void query.fetchNextPage(),
    retry: () => void query.refetch(),
    fresh: changes.fresh,
    showFresh,
    onVisible: changes.onVisible,
    onHold: (held) => {
      changes.onHold(held);
      settle();
    },
  };
}

/** Reads the pages on screen again when the stream says so, and merges them in place. */
function useInPlace<T>(source: KeysetSource<T>, queryKey: readonly unknown[], pages: ListPage<T>[] | undefined) {
  const client = useQueryClient();
  const latest = useRef({ source, pages });
  const visible = useRef({ first: 0, last: 50, held: false });
  const [state, setState] = useState({ gone: new Set<string>(), fresh: "" });
  const gone = useRef(state.gone);
  const clear = useCallback(() => {
    gone.current = new Set();
    setState({ gone: gone.current, fresh: "" });
  }, []);
  useEffect(() => {
    latest.current = { source, pages };
  });
  useEffect(clear, [queryKey, clear]);
  const refresh = useCallback(async (): Promise<void> => {
    const { pages: held, source: from } = latest.current;
    if (held === undefined) {
      // What is on its way may have been read before the change.
      await client.refetchQueries({ queryKey });
      return;
    }
    const { first, last } = visible.current;
    for (const index of new Set([0, ...pagesOf(held, first, last)])) {
      const read = await from.read(index === 0 ? undefined : held[index - 1]?.next);
      client.setQueryData<InfiniteData<ListPage<T>>>(queryKey, (data) => {
        if (data === undefined) return data;
        const merged = mergePage(data.pages, index, read, from.idOf, gone.current);
        gone.current = merged.gone;
        setState((before) => ({
          gone: merged.gone,
          fresh: index > 0 ? before.fresh : merged.fresh === 0 ? "" : `${merged.fresh}${merged.freshMore ? "+" : ""}`,
        }));
        return { ...data, pages: merged.pages };
      });
    }
  }, [client, queryKey]);
  useLive(
    source.live,
    useMemo(() => settled(refresh, settleMs), [refresh]),
  );
  useEffect(() => {
    // Back on a list that was left a moment ago.
    if (client.getQueryData(queryKey) !== undefined) void refresh().catch(() => {});
  }, [client, queryKey, refresh]);
  return {
    ...state,
    clear,
    onVisible: useCallback((first: number, last: number) => Object.assign(visible.current, { first, last }), []),
    onHold: useCallback((held: boolean) => Object.assign(visible.current, { held }), []),
    /** At the top of the list, with no hand on it, rows may come and go by themselves. */
    mayMove: (rows: number) => rows === 0 || (visible.current.first === 0 && !visible.current.held),
  };
}
