# One of each kind of resource, with tags, as somebody describes a private bucket behind CloudFront.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "5.100.0"
    }
  }
}

variable "endpoint" {
  type = string
}

variable "bucket_host" {
  type = string
}

variable "origin_port" {
  type = number
}

variable "public_key" {
  type = string
}

variable "comment" {
  type    = string
  default = "of the story"
}

variable "stage" {
  type    = string
  default = "test"
}

variable "enabled" {
  type    = bool
  default = true
}

provider "aws" {
  region                      = "us-east-1"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true

  endpoints {
    cloudfront = var.endpoint
  }
}

resource "aws_cloudfront_origin_access_identity" "identity" {
  comment = var.comment
}

resource "aws_cloudfront_origin_access_control" "control" {
  name                              = "terraform-control"
  description                       = var.comment
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

resource "aws_cloudfront_public_key" "key" {
  name        = "terraform-key"
  comment     = var.comment
  encoded_key = file(var.public_key)
}

resource "aws_cloudfront_key_group" "group" {
  name    = "terraform-group"
  comment = var.comment
  items   = [aws_cloudfront_public_key.key.id]
}

resource "aws_cloudfront_cache_policy" "cache" {
  name        = "terraform-cache"
  comment     = var.comment
  min_ttl     = 1
  default_ttl = 50
  max_ttl     = 100

  parameters_in_cache_key_and_forwarded_to_origin {
    enable_accept_encoding_gzip   = true
    enable_accept_encoding_brotli = true

    cookies_config {
      cookie_behavior = "whitelist"
      cookies {
        items = ["session"]
      }
    }
    headers_config {
      header_behavior = "whitelist"
      headers {
        items = ["Accept-Language", "CloudFront-Viewer-Country"]
      }
    }
    query_strings_config {
      query_string_behavior = "whitelist"
      query_strings {
        items = ["lang"]
      }
    }
  }
}

resource "aws_cloudfront_origin_request_policy" "request" {
  name    = "terraform-request"
  comment = var.comment

  cookies_config {
    cookie_behavior = "none"
  }
  headers_config {
    header_behavior = "whitelist"
    headers {
      items = ["Referer"]
    }
  }
  query_strings_config {
    query_string_behavior = "all"
  }
}

resource "aws_cloudfront_response_headers_policy" "response" {
  name    = "terraform-response"
  comment = var.comment

  cors_config {
    access_control_allow_credentials = false
    access_control_allow_headers {
      items = ["Range"]
    }
    access_control_allow_methods {
      items = ["GET", "HEAD"]
    }
    access_control_allow_origins {
      items = ["https://www.example.com"]
    }
    access_control_max_age_sec = 600
    origin_override            = true
  }
  custom_headers_config {
    items {
      header   = "X-Story"
      override = true
      value    = "terraform"
    }
  }
  security_headers_config {
    content_type_options {
      override = true
    }
    strict_transport_security {
      access_control_max_age_sec = 63072000
      include_subdomains         = true
      override                   = true
      preload                    = false
    }
  }
}

resource "aws_cloudfront_distribution" "distribution" {
  aliases             = ["terraform.example.com"]
  comment             = var.comment
  default_root_object = "open.txt"
  enabled             = var.enabled
  http_version        = "http2and3"
  is_ipv6_enabled     = true
  price_class         = "PriceClass_100"
  wait_for_deployment = false

  origin {
    origin_id   = "server"
    domain_name = "localhost"
    origin_path = "/open"

    custom_header {
      name  = "X-Story"
      value = "terraform"
    }
    custom_origin_config {
      http_port              = var.origin_port
      https_port             = 443
      origin_protocol_policy = "http-only"
      origin_ssl_protocols   = ["TLSv1.2"]
    }
  }

  origin {
    origin_id   = "with-identity"
    domain_name = var.bucket_host

    s3_origin_config {
      origin_access_identity = aws_cloudfront_origin_access_identity.identity.cloudfront_access_identity_path
    }
  }

  origin {
    origin_id                = "with-control"
    domain_name              = var.bucket_host
    origin_access_control_id = aws_cloudfront_origin_access_control.control.id
    connection_attempts      = 2
    connection_timeout       = 5
  }

  origin_group {
    origin_id = "either"

    failover_criteria {
      status_codes = [500, 502, 503]
    }
    member {
      origin_id = "with-control"
    }
    member {
      origin_id = "with-identity"
    }
  }

  default_cache_behavior {
    target_origin_id       = "server"
    allowed_methods        = ["GET", "HEAD", "OPTIONS"]
    cached_methods         = ["GET", "HEAD"]
    compress               = true
    viewer_protocol_policy = "allow-all"
    min_ttl                = 0
    default_ttl            = 60
    max_ttl                = 600

    forwarded_values {
      query_string = true
      headers      = ["Origin"]

      cookies {
        forward           = "whitelist"
        whitelisted_names = ["session"]
      }
    }
  }

  ordered_cache_behavior {
    path_pattern               = "private*"
    target_origin_id           = "with-control"
    allowed_methods            = ["GET", "HEAD"]
    cached_methods             = ["GET", "HEAD"]
    cache_policy_id            = aws_cloudfront_cache_policy.cache.id
    origin_request_policy_id   = aws_cloudfront_origin_request_policy.request.id
    response_headers_policy_id = aws_cloudfront_response_headers_policy.response.id
    trusted_key_groups         = [aws_cloudfront_key_group.group.id]
    viewer_protocol_policy     = "allow-all"
  }

  ordered_cache_behavior {
    path_pattern           = "either/*"
    target_origin_id       = "either"
    allowed_methods        = ["GET", "HEAD"]
    cached_methods         = ["GET", "HEAD"]
    cache_policy_id        = data.aws_cloudfront_cache_policy.disabled.id
    viewer_protocol_policy = "redirect-to-https"
  }

  custom_error_response {
    error_code            = 404
    error_caching_min_ttl = 5
    response_code         = 200
    response_page_path    = "/open.txt"
  }

  logging_config {
    bucket          = "logs.s3.amazonaws.com"
    include_cookies = true
    prefix          = "terraform/"
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  viewer_certificate {
    cloudfront_default_certificate = true
  }

  tags = {
    stage = var.stage
    story = "terraform"
  }
}

data "aws_cloudfront_cache_policy" "disabled" {
  name = "Managed-CachingDisabled"
}

output "domain_name" {
  value = aws_cloudfront_distribution.distribution.domain_name
}

output "ids" {
  value = {
    "aws_cloudfront_origin_access_identity.identity"  = aws_cloudfront_origin_access_identity.identity.id
    "aws_cloudfront_origin_access_control.control"    = aws_cloudfront_origin_access_control.control.id
    "aws_cloudfront_public_key.key"                   = aws_cloudfront_public_key.key.id
    "aws_cloudfront_key_group.group"                  = aws_cloudfront_key_group.group.id
    "aws_cloudfront_cache_policy.cache"               = aws_cloudfront_cache_policy.cache.id
    "aws_cloudfront_origin_request_policy.request"    = aws_cloudfront_origin_request_policy.request.id
    "aws_cloudfront_response_headers_policy.response" = aws_cloudfront_response_headers_policy.response.id
    "aws_cloudfront_distribution.distribution"        = aws_cloudfront_distribution.distribution.id
  }
}

output "trusted_key_groups" {
  value = aws_cloudfront_distribution.distribution.trusted_key_groups
}
