"""Allow-list of functions in SQL of contracts, agreements and the command line: deterministic, over one row.

None reads a file, a setting, a variable, the clock or another row.
"""

from __future__ import annotations

_MACROS = """vn_agency vn_cccd_birth_year vn_cccd_sex vn_date vn_date_precision vn_day vn_digits vn_fold
    vn_int vn_is_legacy_encoded vn_month vn_mst vn_mst_is_valid vn_name vn_name_is_legacy_encoded vn_number vn_sex
    vn_text vn_timestamp vn_tone_fold vn_ward_candidates vn_ward_current"""
MACROS = frozenset(_MACROS.split())

_TEXT = """ascii bar base64 bin bit_length char_length character_length chr concat concat_ws contains decode
    encode ends_with format format_bytes from_base64 from_binary from_hex hex instr lcase left left_grapheme len
    length length_grapheme like_escape lower lpad ltrim nfc_normalize octet_length ord parse_dirname parse_dirpath
    parse_filename parse_path position prefix printf repeat replace reverse right right_grapheme rpad rtrim split
    split_part starts_with str_split str_split_regex string_split string_split_regex string_to_array strip_accents
    strlen strpos substr substring substring_grapheme suffix to_base to_base64 to_binary to_hex translate trim ucase
    unbin unhex unicode upper url_decode url_encode"""
_LIKENESS = """damerau_levenshtein editdist3 hamming jaccard jaro_similarity jaro_winkler_similarity
    levenshtein mismatches"""
_PATTERNS = """regexp_escape regexp_extract regexp_extract_all regexp_full_match regexp_matches regexp_replace
    regexp_split_to_array"""
_NUMBERS = """abs acos acosh add asin asinh atan atan2 atanh bit_count cbrt ceil ceiling cos cosh cot degrees
    divide even exp factorial fdiv floor fmod gamma gcd greatest_common_divisor isfinite isinf isnan lcm
    least_common_multiple lgamma ln log log10 log2 mod multiply nextafter pi pow power radians round round_even
    roundbankers sign signbit sin sinh sqrt subtract tan tanh trunc xor"""
_MOMENTS = """century date date_add date_diff date_part date_sub date_trunc datediff datepart datesub
    datetrunc day dayname dayofmonth dayofweek dayofyear days_in_month decade epoch epoch_ms epoch_ns epoch_us era
    hour isodow isoyear julian last_day make_date make_time make_timestamp make_timestamp_ms make_timestamp_ns
    make_timestamptz microsecond millennium millisecond minute month monthname nanosecond quarter second strftime
    strptime time_bucket timezone timezone_hour timezone_minute to_centuries to_days to_decades to_hours
    to_microseconds to_millennia to_milliseconds to_minutes to_months to_quarters to_seconds to_timestamp to_weeks
    to_years try_strptime week weekday weekofyear year yearweek"""
_CHOICES = "coalesce greatest if ifnull least nullif"
_LISTS = """apply array_append array_apply array_cat array_concat array_contains array_distinct array_extract
    array_filter array_has array_has_all array_has_any array_indexof array_intersect array_length array_position
    array_prepend array_reduce array_resize array_reverse array_reverse_sort array_select array_slice array_sort
    array_to_string array_transform array_unique array_value array_where array_zip element_at filter flatten
    generate_series list_append list_apply list_any_value list_avg list_bool_and list_bool_or list_cat list_concat
    list_contains list_count list_distinct list_element list_extract list_filter list_first list_has list_has_all
    list_has_any list_indexof list_intersect list_last list_max list_median list_min list_mode list_pack
    list_position list_prepend list_product list_reduce list_resize list_reverse list_reverse_sort list_select
    list_slice list_sort list_string_agg list_sum list_transform list_unique list_value list_where list_zip range
    reduce"""
_STRUCTS = """cardinality map map_concat map_contains map_entries map_extract map_extract_value
    map_from_entries map_keys map_values row struct_concat struct_extract struct_extract_at struct_insert
    struct_keys struct_pack struct_values"""
_JSON = """array_to_json from_json from_json_strict json_array json_array_length json_contains json_exists
    json_extract json_extract_path json_extract_path_text json_extract_string json_keys json_merge_patch json_object
    json_pretty json_quote json_structure json_transform json_transform_strict json_type json_valid json_value
    row_to_json to_json"""
_OTHERS = "hash md5 md5_number sha1 sha256 typeof"

GROUPS = {
    "macros of this library": MACROS,
    "text": frozenset(_TEXT.split()),
    "likeness": frozenset(_LIKENESS.split()),
    "patterns": frozenset(_PATTERNS.split()),
    "numbers": frozenset(_NUMBERS.split()),
    "dates and times": frozenset(_MOMENTS.split()),
    "choices": frozenset(_CHOICES.split()),
    "lists": frozenset(_LISTS.split()),
    "structs and maps": frozenset(_STRUCTS.split()),
    "JSON": frozenset(_JSON.split()),
    "others": frozenset(_OTHERS.split()),
}
FUNCTIONS = frozenset[str]().union(*GROUPS.values())

# Aggregates and window functions, whose value depends on other rows.
_AGGREGATES = """any_value approx_count_distinct approx_quantile arbitrary arg_max arg_min argmax argmin
    array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count count_if count_star countif covar_pop
    covar_samp entropy favg first first_value fsum geomean group_concat histogram kahan_sum kurtosis last last_value
    list listagg mad max max_by mean median min min_by mode nth_value percentile_cont percentile_disc product
    quantile quantile_cont quantile_disc reservoir_quantile skewness stddev stddev_pop stddev_samp string_agg sum
    sumkahan sum_no_overflow var_pop var_samp variance"""
AGGREGATES = frozenset(_AGGREGATES.split())
# Functions of the clock, the session or chance, by all their names, with or without brackets.
_NOT_OF_THE_ROW = """current_catalog current_database current_date current_localtime current_localtimestamp
    current_query current_role current_schema current_schemas current_setting current_time current_timestamp
    current_user gen_random_uuid get_current_time get_current_timestamp getvariable getenv localtime localtimestamp
    now random session_user today transaction_timestamp txid_current uuid uuidv4 uuidv7"""
NOT_OF_THE_ROW = frozenset(_NOT_OF_THE_ROW.split())
# Names in other databases.
ELSEWHERE = {
    "to_date": "try_strptime, or the macro vn_date", "str_to_date": "try_strptime, or the macro vn_date",
    "to_timestamp_tz": "try_strptime", "to_char": "strftime", "date_format": "strftime", "to_number": "vn_number",
    "nvl": "coalesce", "isnull": "coalesce, or `IS NULL`", "iif": "if(condition, yes, no)", "charindex": "strpos",
    "convert": "CAST(... AS ...)", "getdate": "a column of the source: an expression has no clock",
    "sysdate": "a column of the source: an expression has no clock", "initcap": "upper and lower",
    "unnest": "a list function, e.g. list_transform: one value per row",
}  # fmt: skip
