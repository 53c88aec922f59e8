# A bucket with everything that Terraform says of one, and an object in it.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "5.100.0"
    }
  }
}

variable "endpoint" {}
variable "content" {
  default = "hello"
}

provider "aws" {
  region                      = "us-east-1"
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
  endpoints {
    s3 = var.endpoint
  }
}

resource "aws_s3_bucket" "logs" {
  bucket = "story-terraform-logs"
}

resource "aws_s3_bucket" "films" {
  bucket        = "story-terraform"
  force_destroy = true
  tags = {
    content = "films"
  }
}

resource "aws_s3_bucket_public_access_block" "films" {
  bucket                  = aws_s3_bucket.films.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "films" {
  bucket = aws_s3_bucket.films.id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_logging" "films" {
  bucket        = aws_s3_bucket.films.id
  target_bucket = aws_s3_bucket.logs.id
  target_prefix = "films/"
}

resource "aws_s3_bucket_cors_configuration" "films" {
  bucket = aws_s3_bucket.films.id
  cors_rule {
    allowed_methods = ["GET", "HEAD"]
    allowed_origins = ["https://example.com"]
    allowed_headers = ["*"]
    expose_headers  = ["ETag"]
    max_age_seconds = 3000
  }
}

data "aws_iam_policy_document" "films" {
  statement {
    actions   = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.films.arn}/*"]
    principals {
      type        = "Service"
      identifiers = ["cloudfront.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "AWS:SourceArn"
      values   = ["arn:aws:cloudfront::123456789012:distribution/EDFDVBD6EXAMPLE"]
    }
  }
}

resource "aws_s3_bucket_policy" "films" {
  bucket = aws_s3_bucket.films.id
  policy = data.aws_iam_policy_document.films.json
}

resource "aws_s3_object" "film" {
  bucket        = aws_s3_bucket.films.id
  key           = "films/a b.txt"
  content       = var.content
  content_type  = "text/plain"
  cache_control = "max-age=60"
  metadata = {
    maker = "terraform"
  }
  tags = {
    kind = "film"
  }
}
