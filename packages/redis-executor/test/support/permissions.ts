/** The commands that are enough for one server, as the README lists them. */
export const commands: readonly string[] = (
  "+eval +evalsha +hget +hmget +hgetall +hset +hsetnx +hdel +hlen +hvals +hincrby +hexists +set +get +mget +del +zadd +zrem " +
  "+zcard +zcount +zrangebyscore +time +type +incr +pexpire +pexpireat +persist +pttl +publish +subscribe +unsubscribe +ping " +
  "+info +client|setname"
).split(" ");

/** The keys and channels of one namespace. */
export const permissionsOf = (prefix: string, namespace: string): readonly string[] => [
  `~${prefix}:{${namespace}/*`,
  `~${prefix}:{${namespace}}:*`,
  `&${prefix}:{${namespace}/*`,
];
